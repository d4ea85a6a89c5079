# In the relay: wait until the proxy refuses a name that is on no list, as `bash -c THIS ready PORT`.
for _ in {1..400}; do
  if { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; then
    printf 'GET http://nowhere.invalid/ HTTP/1.0\r\n\r\n' >&3
    read -r -t 10 answer <&3
    [[ $answer == *' 403 '* ]] && exit 0
  fi
  sleep 0.1
done
exit 1
