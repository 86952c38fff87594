"""Pure core: what is wished for, what is seen, what to do about it. No I/O, stdlib and pydantic."""
