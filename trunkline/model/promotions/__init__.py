"""How a tested digest becomes what an environment runs: records, rules and decisions, as data."""
