# First process of the two containers of a gateway, as `bash -c THIS gateway ROLE PORT LIFETIME`.
# When it ends, its container does.
#
#   proxy  squid on its own loopback, and the way to it from a socket in a shared volume
#   relay  the way to that socket from the loopback of the sandbox, whose network it shares
#
# Its input is the lifeline: the engine closes it when our process is gone, however it went.
# Where one of the programs ends, so does the container, and nothing can be reached any more.
exec 3<&0
socket=/run/egress/proxy
case $1 in
  proxy)
    [[ ! -e /proc/net/if_inet6 || -z $(</proc/net/if_inet6) ]] || exit # see NOT_PUBLIC in egress.py
    printf %s "$HOSTS" >/tmp/hosts
    printf %s "$CONFIGURATION" >/tmp/squid.conf
    squid -N -f /tmp/squid.conf &
    socat -t 60 "UNIX-LISTEN:$socket,fork,max-children=100" "TCP4:127.0.0.1:$2" &
    ;;
  relay)
    socat -t 60 "TCP4-LISTEN:$2,bind=127.0.0.1,reuseaddr,fork,max-children=100" "UNIX-CONNECT:$socket" &
    ;;
esac
timeout "$3" cat <&3 >/dev/null &
wait -n
