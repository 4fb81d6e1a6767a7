"""Table of the other ways than push that somebody has seen to work."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from companion.coverage.rules import FALLBACKS
from companion.db import Base, ClinicScoped, one_of, within_clinic


class FallbackProof(ClinicScoped, Base):
    """Who last said that a test message came by this way, and when."""

    __tablename__ = "fallback_proofs"
    __table_args__ = (
        within_clinic("person_id", "people"),
        one_of("channel", *FALLBACKS),
        {"sqlite_strict": True},
    )

    channel: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    proven_at: Mapped[datetime]
