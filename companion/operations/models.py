"""Table of signs of life."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base


class Beat(Base):
    """When a part of the worker, or a job of the housekeeper, last succeeded."""

    __tablename__ = "beats"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
