"""What schemathesis cannot know of the formats in the document."""

import schemathesis
from hypothesis import strategies as st

PRINTABLE = st.characters(exclude_categories=["C", "Z"])

schemathesis.openapi.format("printable", st.text(PRINTABLE, min_size=1, max_size=64))
