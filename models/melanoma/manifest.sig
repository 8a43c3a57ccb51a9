{
  "key_id": "1a92e0128502d9de",
  "signature": "vDfKYP61lWpyA7Plz4tB6FhOvx09OsUBstfnglemTRubeZ/6Vi7lMbkd2iTnceu0pMYnOE2aIpGa6FocXIwhDA=="
}
