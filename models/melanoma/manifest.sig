{
  "key_id": "9836245f583e3961",
  "signature": "OQj4JSzQvaLA2Vi2OvwSczhkpSK7Ha0ITt6gWhIgpHuRXV/cYVqcx4mE3uLIZE51TLhFRLuZMO1C9i/1hCrADA=="
}
