{
  "key_id": "9836245f583e3961",
  "signature": "iZugnJJCXrYgrJWUv24e6kjvYePuxfaiz+gcdEQMNECehOXi+s6HLP42Ib0RAt+ZiZjc86XBhMqzUBtFg+NJDw=="
}
