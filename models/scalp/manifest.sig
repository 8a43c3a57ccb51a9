{
  "key_id": "9836245f583e3961",
  "signature": "VrccrS4b//vjtshTzQBAE7g0PNANYHOv1djUVWl/V9rApGRh6paMpkQ0aUQHGR3F6Kt320Q7DPoKYnRfh3/HAA=="
}
