#!/bin/sh
# Makes mosquitto's dynamic security once: the administrator, and the gateway's account with its rights.
set -eu
file=/mosquitto/data/dynamic-security.json
[ -e "$file" ] && exit 0
mosquitto_ctrl dynsec init "$file" admin "$(cat /run/secrets/mqtt_admin_password)"
mosquitto -c /mosquitto/config/mosquitto.conf -d
until mosquitto_ctrl -u admin -P "$(cat /run/secrets/mqtt_admin_password)" dynsec listClients >/dev/null 2>&1; do sleep 0.2; done
ctl() { mosquitto_ctrl -u admin -P "$(cat /run/secrets/mqtt_admin_password)" dynsec "$@"; }
ctl setDefaultACLAccess subscribe deny
ctl setDefaultACLAccess publishClientSend deny
ctl createRole gateway
for topic in 'ioc/#' '$share/+/ioc/#' 'spBv1.0/#' '$share/+/spBv1.0/#'; do ctl addRoleACL gateway subscribePattern "$topic" allow; done
for topic in 'ioc/alerts/#' 'ioc/+/+/cmd/#'; do ctl addRoleACL gateway publishClientSend "$topic" allow; done
ctl createClient gateway -p "$(cat /run/secrets/mqtt_gateway_password)"
ctl addClientRole gateway gateway
pkill mosquitto
