"""Builders of real, small parts that several test folders use."""
