"""DRS, the disaster recovery system: backups of the whole cluster on SFTP servers, and back again.

    await add_device(drs, "sftp1", account, host_key)
    tar = await back_up(drs, "sftp1", ["UCM"])           # "2026-03-01-12-00-00"
    await restore(drs, "sftp1", tar, "ALL")              # the services take it up when restarted

A backup is one file a server and component and a list of them, all in the device's directory:

    2026-03-01-12-00-00_cucm-pub_UCM_PLATFORM.tar       certificates, keys, requests of a server
    2026-03-01-12-00-00_cucm-pub_UCM_CCMDB.tar          the database (of the publisher)
    2026-03-01-12-00-00_cucm-pub_UCM_TFTP.tar           what its TFTP serves as it lies there
    2026-03-01-12-00-00_drfComponent.xml                what belongs together, written last

Each is a real tar, sealed under the cluster security password. With the defect CSCtn50405 a backup
lacks the CallManager certificate and key of every server: after a restore the database shows the
certificate of before and the server signs with another. Source: cucm.md 1.7, 7 (rows 8 and 18);
seed 000, lines 751 to 796. What is chosen stands in docs/divergences.md.
"""
