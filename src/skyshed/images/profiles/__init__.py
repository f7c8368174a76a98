"""Products of observatories, recognised by what their headers hold: what each plane is, and means.

Nothing here is imported for a file that has none of the cards `skyshed.images.structure.SIGNS`.
"""
