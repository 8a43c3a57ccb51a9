{
  "key_id": "1a92e0128502d9de",
  "signature": "TP5eHAIuULxn7ne+z7r1MGY37Su1rEeGA6XVofxQ1ITCEvc34uO9msKFFnhlIguhOYYYVPIUMzAR2Nc7oWXjAw=="
}
