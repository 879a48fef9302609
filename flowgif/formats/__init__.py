"""Files: frames or particles become a GIF, a page, a video. Nothing here knows torch."""
