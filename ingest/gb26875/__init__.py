"""Control rooms that speak GB/T 26875.3, over TCP and UDP: what they upload is stored as facts, and confirmed once it is.

`server` and `channels` hold the sockets, `book` knows the devices, `reader` makes rows of frames, `lane` stores and then confirms,
`exchanges` sends commands. Bytes are read and written by `signals.gb26875`, which knows nothing of this.
"""
