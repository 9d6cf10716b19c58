"""How far each file was read: said by a cursor, kept in a checkpoint, and gone on from by the next run."""
