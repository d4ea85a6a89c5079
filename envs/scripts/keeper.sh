# First process of a sandbox, as `bash -c THIS keeper LEASE LIFETIME`. When it ends,
# the kernel ends everything else in the sandbox.
#
# Its input is the lifeline: the engine or the kernel closes it when our process
# is gone, however it went, and then the sandbox ends at once. Each line renews
# the lease (seconds until the next line must come, so that a host that hangs in
# the middle of a command leaves nothing running), and may carry a command.
# Seconds come from /proc/uptime: setting the clock moves nothing here.
#
# Orphans become its children. bubblewrap hands SIGCHLD down blocked, and then bash
# collects the dead only when it waits for a child: so it has one now and then.
set -m
lease=$1
reaped=0
read -r now _ </proc/uptime
end=$((${now%.*} + $2))
while read -r now _ </proc/uptime && left=$((end - ${now%.*})) && ((left > 0)); do
  ((reaped == ${now%.*})) || { reaped=${now%.*}; (:); }
  read -r -t $((lease < left ? lease : left)) seconds command || break
  lease=$seconds
  [[ $command ]] && eval "$command"
done
exit
