"""Sound: RTP streams and their relay, announcements, recordings. Knows nothing of SIP."""
