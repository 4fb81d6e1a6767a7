"""Table of the codes that take a sign-in from the browser into the installed app."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, within_clinic


class AppCode(ClinicScoped, Base):
    """A person's code of six digits, at most one at a time; used or replaced, its row is gone. Kept as a keyed hash."""

    __tablename__ = "app_codes"
    __table_args__ = (
        within_clinic("person_id", "people"),
        UniqueConstraint("code_hash"),
        {"sqlite_strict": True},
    )

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[str]
    expires_at: Mapped[datetime]
