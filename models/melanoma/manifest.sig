{
  "key_id": "1a92e0128502d9de",
  "signature": "XWQYK1SzfGrCTo2rblphz4GyKOkbMPJG1ETwzwFsoQytMv40cy5F5jJ51xOLQwiYDhY58U/S8QJDPhIzzxyaCQ=="
}
