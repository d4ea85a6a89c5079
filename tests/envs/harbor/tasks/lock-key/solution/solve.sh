#!/bin/bash
chmod 600 /keys/id_key
ln -s id_key /keys/current
