{
  "key_id": "9836245f583e3961",
  "signature": "pfDdHqPepj8dg4nyGsKRCzW9IafaMsMJeUcwbUU2Uz6D2NnF+wnu3KrDeoQCk9hX5WWPXDRVoANTBaysOEbMBg=="
}
