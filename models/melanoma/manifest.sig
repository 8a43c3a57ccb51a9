{
  "key_id": "9836245f583e3961",
  "signature": "BkPUGDuL+BEjl0cfptVmM6MZ8ZGXygKXkhD6Kdit2KfbalujDXav99kocD3JUFVb9ue177KBYaCxInMD7so6CQ=="
}
