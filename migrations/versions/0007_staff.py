"""Who is staff and who is a patient as columns of their own: lists of staff must not read every patient."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, YesNo

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("is_staff", "is_patient"):
        op.add_column("people", sa.Column(name, YesNo(), nullable=False, server_default=sa.false()))
    flags_of = (sa.column("roles", Json()), sa.column("is_staff", YesNo()), sa.column("is_patient", YesNo()))
    people, connection = sa.table("people", *flags_of), op.get_bind()
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("select set_config('companion.scope', 'every clinic', true)"))
    for roles in connection.scalars(sa.select(people.c.roles).distinct()).all():
        flags = {"is_staff": set(roles) != {"patient"}, "is_patient": "patient" in roles}
        connection.execute(sa.update(people).where(people.c.roles == roles).values(flags))
    op.create_index("ix_people_staff", "people", ["clinic_id", "is_staff", "name"])
    op.create_index("ix_people_patients", "people", ["clinic_id", "is_patient", "name"])


def downgrade() -> None:
    op.drop_index("ix_people_patients", "people")
    op.drop_index("ix_people_staff", "people")
    op.drop_column("people", "is_patient")
    op.drop_column("people", "is_staff")
