{
  "key_id": "9836245f583e3961",
  "signature": "U4JVFw4mS0bnSqvQng6jfBhodCDCCysJavJu1+5QtJ7zBf7cI6a8QEHhY4N45qNfgjFVLP4EgWtyECZfQDPgCg=="
}
