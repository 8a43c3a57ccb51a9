{
  "key_id": "9836245f583e3961",
  "signature": "NBsSAYv/bCOamT11jbsmJ7Bo6hPXTIRt9dZRIc9gSu5I9yJp6/F7AUzzZWKPSCZEFCHNJRAuMXQaTr0rk5tvBQ=="
}
