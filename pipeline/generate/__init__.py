"""Mass sampling: any number of images from a pushed version, written as shards by Beam."""
