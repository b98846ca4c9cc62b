"""Runs every test with the sandbox at a port: `python main.py PORT`."""

import asyncio
import sys

import referee
import lessons  # noqa: F401
import locks  # noqa: F401
import messaging  # noqa: F401
import metrics  # noqa: F401
import series  # noqa: F401
import topics  # noqa: F401
import unsupported  # noqa: F401

if __name__ == "__main__":
    asyncio.run(referee.run(int(sys.argv[1])))
