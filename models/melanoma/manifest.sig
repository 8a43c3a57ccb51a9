{
  "key_id": "1a92e0128502d9de",
  "signature": "y2po/DK939jm5lqp7cFNO9vGZWZdL/zkFeijZlpPbVkFWfengKDTpkmM3fxTy00kCcPxYee60XLzQ5TXk0OvBQ=="
}
