"""What `cm_lsp` and `cm_server` say to each other.

Owns: message types, identifiers, money, faults, limits, framing, protocol versions, and the checks that both
sides must make alike. Does not own: any rule about matching, metering or prices, any socket, any clock.
Imports msgspec and the standard library, nothing else: opening an editor loads this package.
"""
