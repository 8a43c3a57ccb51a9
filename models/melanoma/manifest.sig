{
  "key_id": "9836245f583e3961",
  "signature": "DLfKNjVJXGDBy3PfpR3slwnZwK5PRxPmjbpbN2RjecbjUY0nhIUXQSUn1qDdj0/b4W4hnkvIzqyPBvRVJJqzCg=="
}
