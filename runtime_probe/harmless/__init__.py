"""Keeps a probed script from costing anything: files that exist, trackers, hubs.

Child side, installed before user code, standard library only. The script must not notice: it sees
its own changes, the disk does not.

- A file that was there before is never changed. The script's writes go to a copy in the run folder
  (a *shadow*), and every process of the run that opens the path again gets the shadow. A file that
  it deletes or renames is *gone* for the run and stays on the disk.
- A new file goes where it belongs. It is written down before it is made (the *journal*, one for all
  processes of the run) and removed at the end.
"""
