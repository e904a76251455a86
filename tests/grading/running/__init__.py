"""Runs strangers' code, and asks its functions. What a submission is kept from, at each level:

                                              full        container   filter      bare
    root's rights and new ones                yes         yes         yes         yes
    too much time, memory, disk, output       yes         yes         yes         yes
    files that rules.py doesn't show          by mounts   Landlock    no          no
    room on a disk, though bounded            yes         no          no          no
    seeing other processes                    yes         Landlock    no          no
    reaching other processes of its user      yes         filter      filter      no
    network, objects that users share         yes         filter      filter      no
    memory that belongs to no process         filter      filter      in part     no
    a session of its own for each process     filter      filter      filter      no

Root gives each submission a user of its own, whose processes reach no others at any level.
"""
