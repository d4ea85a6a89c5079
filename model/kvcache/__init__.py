"""Where keys and values live.

The regions of one sequence of 22 tokens, with pages of 4; a box is a block:

    block number      0       1       2       3       4       5       6
    positions        0-3     4-7    8-11    12-15   16-19   20-23   24-27
    full layers    [ k0 ]  [ k1 ]  [ k2 ]  [ k3 ]  [ k4 ]  [20 21] [     ]
    window of 8      .       .       .     [ k3 ]  [ k4 ]  [20 21] [     ]
                   given back: behind      complete blocks   |       |
                   first_needed(22) = 15   with a name: a    |       reserved for the
                                           hash of all ids   |       next step
                                           up to their end   |
                                                             tail, length = 22: written
                                                             next, copied first if shared

Blocks 0 to 4 of the full layers are named, too. Another sequence that begins
with the same ids finds named blocks and holds them with this one; nobody
writes them again. Of the next page it holds what is equal, named or not, and
copies it before it writes. A block of a sequence that runs is pinned to a page on the
device; a parked sequence's may move to a slot on the host, one by one.

    layer_groups    which layers keep the same positions
    blocks          pages, the blocks on them, the index of names (a pool a group)
    sequence_cache  one table a group: `first` is the number of its first block
    prefix          what a new sequence may begin with, down to the token
    manager         who gets pages, who must move; it touches no tensor
    storage         the tensors, and the moves carried out
    sizing          how many pages a piece of memory holds
    dense           one sequence without pages, for `model.runner.transformer`
"""
