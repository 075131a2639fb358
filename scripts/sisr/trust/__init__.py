"""Why a number can be believed: certification, published values, provenance, crate, reproduction."""
