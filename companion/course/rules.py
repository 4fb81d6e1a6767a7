"""What a course of treatment can consist of. Pure."""

INDICATIONS = ("rejuvenation", "hair", "fat", "cellulite", "pigmentation", "rosacea")
AGENTS = (
    "vitamins", "minerals", "amino_acids", "plant_extracts", "ha_noncrosslinked", "tranexamic_acid", "dutasteride",
    "enzymes", "ha_crosslinked_booster", "polynucleotides", "ha_filler_crosslinked", "deoxycholate",
    "phosphatidylcholine_deoxycholate",
)  # fmt: skip
TECHNIQUES = ("manual_needle", "mechanical_injector")
