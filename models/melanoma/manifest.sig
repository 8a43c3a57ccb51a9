{
  "key_id": "5238cf93089bc4b1",
  "signature": "9JHcJdBBv6ymJiyshZNKNPF8+cqTz6g+eveRcJDNgwRn7MJkBHUnxVYFdyU7xJndrN+p/eOTmTlhBFVOeB6lDg=="
}
