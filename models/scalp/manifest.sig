{
  "key_id": "1a92e0128502d9de",
  "signature": "xRSeWWOrrZd24YIdljF2YQJ/fraSxboWrFtIS2Sfurezaf+bsDLLXqoCE6xBKf11oOx1a5MtzF/hx2/Ttax/Aw=="
}
