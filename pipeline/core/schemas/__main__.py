"""Write the schemas beside this file."""

from pipeline.core.schemas import write

write()
