{
  "key_id": "9836245f583e3961",
  "signature": "Iuup4y7JbjNun3FmQ4XannOKO10P9KKq4ZStx3P9jjAC550bHAlcYgxH8tyCign2lQlb4cC8Y5Qx72HZHA08DA=="
}
