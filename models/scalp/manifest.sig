{
  "key_id": "9836245f583e3961",
  "signature": "o7G72iPqwiE9nfkeHiKxVfmrRh2mpLiQz6Nyb6evJ1/sL2TnwSVdR+YgPgbXAmB2FgCObrOUxQvvY5YtKJN+DQ=="
}
