{
  "key_id": "1a92e0128502d9de",
  "signature": "jZERxvBb6C4w9DysOd+hKML3cL7UvX2y5CS3J5gftGrbTtO7kM6csY/wmV5cwfj9bedh0tFYkteKsoJi2dXtBw=="
}
