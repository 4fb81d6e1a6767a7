"""Plain words for areas, agents and indications. Pure: marks for the catalogue, translated where they are shown."""

from companion.languages import N_

AREAS = {
    "face": N_("Face"),
    "forehead": N_("Forehead"),
    "cheeks": N_("Cheeks"),
    "periorbital": N_("Around the eyes"),
    "lips": N_("Lips"),
    "submental": N_("Under the chin"),
    "neck": N_("Neck"),
    "decollete": N_("Upper chest"),
    "scalp": N_("Scalp"),
    "arms": N_("Arms"),
    "hands": N_("Hands"),
    "abdomen": N_("Belly"),
    "flanks": N_("Sides of the waist"),
    "back": N_("Back"),
    "buttocks": N_("Buttocks"),
    "thighs": N_("Thighs"),
    "knees": N_("Knees"),
}
INDICATIONS = {
    "rejuvenation": N_("Fresher skin"),
    "hair": N_("Hair loss"),
    "fat": N_("Fat under the skin"),
    "cellulite": N_("Cellulite"),
    "pigmentation": N_("Dark spots"),
    "rosacea": N_("Rosacea"),
}
AGENTS = {
    "vitamins": N_("Vitamins"),
    "minerals": N_("Minerals"),
    "amino_acids": N_("Amino acids"),
    "plant_extracts": N_("Plant extracts"),
    "ha_noncrosslinked": N_("Hyaluronic acid, not cross-linked"),
    "tranexamic_acid": N_("Tranexamic acid"),
    "dutasteride": N_("Dutasteride"),
    "enzymes": N_("Enzymes"),
    "ha_crosslinked_booster": N_("Hyaluronic acid booster, cross-linked"),
    "polynucleotides": N_("Polynucleotides"),
    "ha_filler_crosslinked": N_("Hyaluronic acid filler, cross-linked"),
    "deoxycholate": N_("Deoxycholate"),
    "phosphatidylcholine_deoxycholate": N_("Phosphatidylcholine with deoxycholate"),
}
TECHNIQUES = {
    "manual_needle": N_("Needle by hand"),
    "mechanical_injector": N_("Mechanical injector"),
}
