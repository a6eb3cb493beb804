curl --url 'https://hooks.example.com/cyanite' \
  -H 'content-type: application/json' \
  -H 'signature: ea8b5b5a11e970b3adf982e77d0c2bfb917cd0c06af64bb387bbcfcf988146a34323a2e458938c1d467c9f7e6b68f66719b7b4931c95033d27b877e72be5e158' \
  --data-raw '{"version": "2", "resource": {"type": "LibraryTrack", "id": "999"}, "event": {"type": "AudioAnalysisV6", "status": "finished"}}' ;
curl --url 'https://hooks.example.com/aspect' \
  -H 'content-type: application/json' \
  -H 'svix-id: msg_2hX1' \
  -H 'svix-timestamp: 1795862713' \
  -H 'svix-signature: v1,0z8ILZXg7Rlq+esSwcUnRxRLbid6CGxlcmngoKJZQm4=' \
  --data-raw '{"timestamp": "2026-03-02T09:18:45Z", "user_id": "6b0f3c52-9d1e-4c07-a1d4-2f7e5b8c9a10", "event_id": "9a2b6c14-0f7d-4e35-b1c8-47d2e80a5302", "event_type": "task.completed", "data": {"task": {"id": "d41a7f08-3b62-4e9c-8f15-70c2b6e4a921", "asset_id": "f29c8e51-7a04-4d3b-95e6-1b8d0c7a4e32", "features": {"transcription": {"state": "completed"}, "visual": {"state": "completed"}, "preview": {"state": "completed"}, "proxy": {"state": "na"}}, "user_id": "6b0f3c52-9d1e-4c07-a1d4-2f7e5b8c9a10", "created": "2026-03-02T09:14:00Z", "updated": "2026-03-02T09:18:45Z"}}}'
