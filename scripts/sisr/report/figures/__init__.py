"""Figures of the report: plots of the score table (:mod:`.plots`) and crop sheets (:mod:`.crops`)."""
