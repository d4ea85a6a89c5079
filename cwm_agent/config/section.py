"""What all sections of the settings have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Seconds = Annotated[float, Field(gt=0, le=1e9)]
"""Up to some thirty years: longer times overflow the timers of the system."""


class Section(BaseModel):
    """Common to all sections: unknown keys are errors, values are immutable."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_number(cls, value: object, found: ValidationInfo) -> object:
        """Pydantic would take true for 1."""
        if (
            isinstance(value, bool)
            and cls.model_fields[str(found.field_name)].annotation is not bool
        ):
            raise ValueError("not true or false")
        return value
