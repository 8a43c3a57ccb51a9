{
  "key_id": "9836245f583e3961",
  "signature": "o1OtiGML9X8ysoW3wNWnOYoL/B5CTVPzDSvn+1z8alIZremOGT0o9rSfhPFH9UjNuywwOkmgqNZ5zVzYyTkSDA=="
}
