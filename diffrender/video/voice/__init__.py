"""The voice: sentences that entries of a lecture say, spelled in words, spoken offline, timed."""
