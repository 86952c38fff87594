"""Every bound of the forge look-alike, each with its reason."""

from __future__ import annotations

# Published by GitHub for every listing; Gitea's own default is 30 of at most 50.
GITHUB_PAGE_SIZE = 30
GITHUB_MAX_PAGE_SIZE = 100
GITEA_PAGE_SIZE = 30
GITEA_MAX_PAGE_SIZE = 50
# What GitHub takes in the body of a comment or a pull request, and in a status' description.
MAX_BODY_CHARACTERS = 65_536
MAX_DESCRIPTION_CHARACTERS = 140
# GitHub refuses titles beyond it.
MAX_TITLE_CHARACTERS = 256
# Requests an hour of one person, and of somebody unknown.
HOURLY_QUOTA = 5_000
ANONYMOUS_QUOTA = 60
QUOTA_WINDOW_S = 3_600
# A receiver that says nothing for so long has not taken a delivery.
DELIVERY_TIMEOUT_S = 10.0
# Deliveries that stay readable; the oldest fall off.
MAX_DELIVERIES = 2_000
# Git answers at once or hangs.
GIT_TIMEOUT_S = 60.0
# Answers of Git about two commits, which never change.
CACHED_RESULTS = 4_096
# Commits a push announces one by one.
MAX_ANNOUNCED_COMMITS = 20
