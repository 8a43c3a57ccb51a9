{
  "key_id": "9836245f583e3961",
  "signature": "gvVTQfjb/EDyhUg6gUpK6mqNA6xIhZwvCcUO3FbQzSUQYnsWrrDRqwpmCwjxqDyDvrjJ/wq3CSD52iKS5vFCAA=="
}
