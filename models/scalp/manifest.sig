{
  "key_id": "5238cf93089bc4b1",
  "signature": "5RSklWJ8wWrWb0GsbGsJQHH+hkq1vbSkQCUe1eMca/nEvH1VBPBXxG1/8IuCv9gVa2PKrNVwtoa/IYNyMV7MBA=="
}
